"""Why an image cannot be used. `reason` is what the quarantine calls it."""


class ImageError(Exception):
    """This image cannot be used; another may."""

    reason = "UNREADABLE"


class Unreadable(ImageError):
    """The bytes are no image of a format that is read here, or a broken one."""


class TooLarge(ImageError):
    """Decoding it would take more than the limits allow."""


class WrongBands(ImageError):
    """The image has another number of bands than the campaign's specification."""

    reason = "WRONG_BANDS"

    def __init__(self, found: int, wanted: int) -> None:
        super().__init__(f"the image has {found} bands, the campaign's images have {wanted}")

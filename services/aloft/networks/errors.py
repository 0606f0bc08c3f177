"""What can be wrong with weights."""


class WeightsDoNotFit(ValueError):
    """The file has not the weights of this network; the message names what is missing, extra or misshapen."""

"""What can be wrong with weights, and with the device that is to compute."""


class WeightsDoNotFit(ValueError):
    """The file has not the weights of this network; the message names what is missing, extra or misshapen."""


class NoSuchDevice(ValueError):
    """There is no such device here; the message says which there may be."""

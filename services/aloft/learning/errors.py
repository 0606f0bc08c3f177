"""Why a training can end without weights."""


class TrainingDiverged(ArithmeticError):
    """The loss is no longer a finite number: the same recipe on the same data would end so again."""

    def __init__(self, stage: str, step: int, learning_rate: float) -> None:
        super().__init__(
            f"the loss of {stage} was not finite at step {step}, at a learning rate of {learning_rate:.2g}: "
            "lower the learning rate, or look for images with extreme values"
        )
        self.stage = stage
        self.step = step
        self.learning_rate = learning_rate

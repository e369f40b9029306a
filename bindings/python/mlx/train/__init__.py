"""Training: a loop over batches with what one wants around it.

    from mlx.train import Checkpoint, EarlyStopping, Progress, Trainer

    watch = [Progress(), EarlyStopping("val_loss"), Checkpoint("run", monitor="val_accuracy")]
    trainer = Trainer(model, loss, optimizer, metrics=["accuracy"], callbacks=watch)
    history = trainer.fit(batches, epochs=10, validation=others, resume="run")
    history.plot("run/history.png")

Each part is usable alone: `Trainer.step` is one step, `mlx.train.metrics` measures, `EventWriter`
writes TensorBoard's files, `checkpoint.write` and `read` keep arrays.
"""

from . import callbacks, checkpoint, metrics
from .callbacks import (
    EMA,
    Callback,
    Checkpoint,
    CSVLogger,
    EarlyStopping,
    LearningRateMonitor,
    Progress,
    TensorBoard,
    TimeLimit,
)
from .history import History, sparkline
from .metrics import AUC, F1, Accuracy, ConfusionMatrix, Mean, Metric, Perplexity, TopK
from .tensorboard import EventWriter
from .trainer import NonFiniteLoss, Trainer

__all__ = [
    "AUC",
    "Accuracy",
    "CSVLogger",
    "Callback",
    "Checkpoint",
    "ConfusionMatrix",
    "EMA",
    "EarlyStopping",
    "EventWriter",
    "F1",
    "History",
    "LearningRateMonitor",
    "Mean",
    "Metric",
    "NonFiniteLoss",
    "Perplexity",
    "Progress",
    "TensorBoard",
    "TimeLimit",
    "TopK",
    "Trainer",
    "callbacks",
    "checkpoint",
    "metrics",
    "sparkline",
]

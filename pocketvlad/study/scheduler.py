"""What of Snakemake's scheduler is changed when a run starts."""

import _thread
import signal
from contextlib import suppress
from pathlib import Path

from snakemake.exceptions import WorkflowError

from pocketvlad.util.refusals import remedy, unwritable


def start_all_at_once(scheduler: object) -> None:
    """Start every job as soon as there is room for it.

    By default Snakemake 9 starts at most so many jobs in a span of time. To keep count, it starts
    a timer after every job. Each timer looks at all waiting jobs again when the span has passed,
    and starts the next one, as long as a job waits. Hundreds of them kept it busy, and at its end
    it waits for the last. No option is without.

    Args:
        scheduler: Snakemake's `JobScheduler`.
    """
    scheduler.job_rate_limiter = None


def end_when_asked(scheduler: object) -> None:
    """Let the signal to end (SIGTERM) come at any moment.

    Snakemake 9's handler takes locks that the thread which it interrupts may hold already, while it
    notes a job as complete or counts those that wait. Then it waits for itself, for ever. A thread
    of its own waits until they are free.

    Args:
        scheduler: Snakemake's `JobScheduler`.
    """

    def handle(*_: object) -> None:
        # Not `threading.Thread`: to start one takes locks, too.
        _thread.start_new_thread(scheduler.exit_gracefully, ())

    with suppress(ValueError):  # not the main thread; Snakemake has no handler then either
        signal.signal(signal.SIGTERM, handle)


def explain_refusals(scheduler: object, folder: Path) -> None:
    """Let the run end with what to do, where the system refuses Snakemake itself a file: the disk
    has become full or read-only between the end of a job and the note that it is complete.

    Snakemake's own error is a traceback, which need not name the file.

    Args:
        scheduler: Snakemake's `JobScheduler`.
        folder: where jobs write.
    """
    schedule = scheduler.schedule

    def explained() -> bool:
        try:
            return schedule()
        except OSError as error:
            if not (advice := remedy(error)):
                raise
            place = error.filename or folder.absolute()
            fault = unwritable(folder) or f"{place}: {error.strerror}; {advice}"
            raise WorkflowError(
                f"{fault}. Finished jobs are kept: the same command goes on with the others."
            ) from None

    scheduler.schedule = explained

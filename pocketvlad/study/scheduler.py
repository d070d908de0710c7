"""What of Snakemake's scheduler is changed when a run starts."""

import _thread
import signal
from contextlib import suppress


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

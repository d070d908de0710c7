"""What of Snakemake's scheduler is changed when a run starts."""

import threading


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
    """Let a signal to end (SIGTERM, Ctrl-C) come at any moment.

    Snakemake 9's handler takes a lock that the thread which it interrupts may hold already, while
    it notes a job as complete. Then it waits for itself, for ever.

    Args:
        scheduler: Snakemake's `JobScheduler`, before it starts a job.
    """
    scheduler._lock = threading.RLock()

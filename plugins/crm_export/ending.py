"""What a task does when Airflow asks it to end: SIGTERM, by a person, a restarted worker or a removed pod."""

from __future__ import annotations


class EndsWhenAsked:
    """Ends a task at once. Airflow 3 only calls `on_kill` at SIGTERM and lets `execute` run on until SIGKILL.

    What is not settled then is not acknowledged either; the next run settles it. An exit counts as a try that failed,
    so a task whose worker was restarted is retried.
    """

    def on_kill(self) -> None:
        """Leave `execute` where it is, closing what it has opened."""
        raise SystemExit("Airflow asked this task to end. What it had not settled is settled by the next run.")

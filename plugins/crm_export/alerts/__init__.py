"""Alerts inside Airflow: the task that sends them, and the channels, which are Airflow's notifiers."""

"""The parts of CRM Export that depend on Airflow."""

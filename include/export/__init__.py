"""The core of CRM Export: plain Python without Airflow or a web framework."""

"""Everything of CRM Export that knows Airflow."""

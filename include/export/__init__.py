"""The core of CRM Export: plain Python that knows neither Airflow nor a web framework."""

"""`python -m crm_export`: the command line; it needs AIRFLOW_CONN_… or access to Airflow's metadata database."""

import os
import sys

# where the deployment loads plugins early, Airflow would log that to standard output; commands need none
os.environ["AIRFLOW__CORE__LAZY_LOAD_PLUGINS"] = "True"

from crm_export.command_line.main import main

sys.exit(main())

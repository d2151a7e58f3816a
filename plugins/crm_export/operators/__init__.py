"""The tasks of the DAGs: operators, the gate, their retries and the params of a run."""

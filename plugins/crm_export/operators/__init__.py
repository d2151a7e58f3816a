"""The tasks of the DAGs: operators, the gate, their retries and what a run asks for."""

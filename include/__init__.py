"""The parts besides DAGs and plugins: the core, its SQL, the sample streams, the error catalogue."""

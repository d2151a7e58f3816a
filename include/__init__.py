"""What the product ships in addition to its DAGs and plugins: the core, its SQL, its streams, its error catalogue."""

"""What the product ships beside its DAGs and plugins: the core, its SQL, its streams, its error catalogue."""

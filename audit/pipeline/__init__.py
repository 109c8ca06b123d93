"""One audit from policy to record: jobs, engine, comparators, the run itself."""

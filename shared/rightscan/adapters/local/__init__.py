"""One machine: objects in a folder, records and queues in one SQLite file, jobs as child processes."""

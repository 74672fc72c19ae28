"""The typed records and events that cross a boundary; pydantic lives here and at no other place inside."""

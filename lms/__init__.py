"""The ground every other package stands on: people, organisation, statements, pages, storage."""

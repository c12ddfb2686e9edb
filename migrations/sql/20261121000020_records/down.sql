DROP TABLE leads;
DROP TABLE suppressions;
DROP TABLE consent_events;
DROP TABLE contact_channels;
DROP TABLE contacts;

//! Messages against PostgreSQL: what the door refuses, what the claim refuses, how reports settle.

mod accept;
mod inbound;
mod ranks;
mod send;
mod support;

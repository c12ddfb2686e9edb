//! The list of migrations: the queue's and ours in one order.

use diesel::migration::{Migration, MigrationSource};
use diesel::pg::Pg;
use diesel_migrations::{EmbeddedMigrations, embed_migrations};

use super::MigrateError;

const OURS: EmbeddedMigrations = embed_migrations!("sql");

/// All migrations, oldest first.
pub(super) fn all() -> Result<Vec<Box<dyn Migration<Pg>>>, MigrateError> {
    let mut all = Vec::new();
    for set in [patchbay_queue::MIGRATIONS, OURS] {
        all.extend(MigrationSource::<Pg>::migrations(&set).map_err(MigrateError::Failed)?);
    }
    all.sort_by(|a, b| a.name().version().cmp(&b.name().version()));
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_unique_over_both_sets_and_the_ledger_comes_first() {
        let all = all().unwrap();
        assert!(all.is_sorted_by(|a, b| a.name().version() < b.name().version()));
        assert!(all[0].name().to_string().ends_with("_ledger"));
    }
}

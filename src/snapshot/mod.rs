//! Tables as Delta logs over Parquet files, on a local folder or an object store.
//!
//! In come record batches; out come tables at a version: a schema and a list of files. This
//! folder owns where tables live ([`Store`]), what a version of one holds ([`Table`],
//! [`DataFile`]), how its files are written ([`FileWriter`]) and committed ([`Change`]),
//! which versions readers see together ([`Publication`]) and what may be deleted
//! ([`vacuum()`]). It never executes a query.
//!
//! The contract: a commit is all or nothing and, on a local disk, durable when it returns;
//! a version never changes once committed; a commit whose basis another writer has changed
//! fails (see [`is_conflict`]) and never overwrites. Files written and not committed are
//! invisible, and vacuum removes them.

mod checksum;
mod commit;
mod datafile;
mod durable;
mod failure;
mod lock;
mod partition;
mod publications;
mod remote;
mod schema;
mod stats;
mod store;
mod table;
#[cfg(test)]
pub(crate) mod testing;
mod thinning;
mod upload;
mod vacuum;
mod writer;

pub use checksum::RowHasher;
pub use commit::{Change, Commit};
pub use datafile::DataFile;
pub use failure::is_conflict;
pub use lock::WriteLock;
pub use partition::{rows_by_partition, split_by_partition};
pub use publications::{AsOf, Publication, PublishedTable};
pub use remote::object_store as bucket;
pub use schema::{Layout, conform, map_type, storable_schema};
pub use store::Store;
pub use table::{Signature, Table};
pub use vacuum::{VacuumOptions, vacuum};
pub use writer::{FileWriter, WriterOptions};

//! SQL and YAML become a graph of models: what there is, what reads what, what must hold.
//!
//! In come the files below `queries/`, the built-in ones with a project's over them
//! ([`Catalog`]). Out go models with their dependencies and parameters ([`Model`]), the
//! order to build them in ([`Graph`]), the choice of a run ([`select`]), and tests as
//! queries ([`CompiledTest`], [`UnitTest`]). Nothing here executes SQL or knows about
//! storage; the engine does.

mod catalog;
mod compile;
mod data_tests;
mod graph;
mod model;
mod parameters;
mod properties;
mod select;
pub mod snippet;
mod source;
mod sql;
mod unit_tests;
mod yaml;

pub use catalog::{Catalog, SqlTest};
pub use compile::CompiledTest;
pub use data_tests::{Check, DataTest, Severity};
pub use graph::{Graph, RAW_EVENTS};
pub use model::{Companion, Model};
pub use parameters::check_parameters;
pub use properties::{Column, Materialized, ModelConfig, Properties, ReadsBack};
pub use select::select;
pub use source::{Origin, SourceFile, built_in_files};
pub use sql::{explain, literal, quote};
pub use unit_tests::{Cell, Given, Row, UnitTest};

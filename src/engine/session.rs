//! DataFusion sessions over the snapshot: configuration, memory, functions, and the
//! binding of a query's `$name` parameters.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use datafusion::error::DataFusionError;
use datafusion::execution::disk_manager::DiskManagerBuilder;
use datafusion::execution::memory_pool::FairSpillPool;
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::prelude::{DataFrame, SQLOptions, SessionConfig, SessionContext};
use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast::{
    self, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentList,
    FunctionArguments, Ident, ObjectName, Value,
};

use super::table::STORE_URL;
use crate::config::{Config, Parameter};
use crate::functions::{self, FunctionSettings};
use crate::snapshot::Store;
use crate::{Error, Result};

/// What every session shares: the object store, the memory pool and the SQL functions.
#[derive(Clone)]
pub struct Sessions {
    runtime: Arc<RuntimeEnv>,
    functions: FunctionSettings,
    threads: usize,
}

impl Sessions {
    pub fn new(config: &Config, store: &Store, functions: FunctionSettings) -> Result<Self> {
        // A quarter is for rows on their way to a table (`write::buckets`).
        let runtime = RuntimeEnvBuilder::new()
            .with_memory_pool(Arc::new(FairSpillPool::new(
                config.memory_limit as usize / 4 * 3,
            )))
            .with_disk_manager_builder(DiskManagerBuilder::default())
            .build_arc()
            .map_err(|e| Error::internal("cannot set up the engine").caused_by(e))?;
        let url = url::Url::parse(STORE_URL)
            .map_err(|e| Error::internal("the store's name is no URL").caused_by(e))?;
        runtime.register_object_store(&url, store.object_store());
        Ok(Sessions {
            runtime,
            functions,
            threads: config.thread_count(),
        })
    }

    /// A new session without tables, with every SQL function of attrib. DataFusion's own
    /// `DATAFUSION_*` environment variables tune it, such as
    /// `DATAFUSION_EXECUTION_BATCH_SIZE`.
    pub fn session(&self) -> Result<SessionContext> {
        self.with_threads(self.threads)
    }

    /// The same for queries that run on so many threads.
    pub(crate) fn with_threads(&self, threads: usize) -> Result<SessionContext> {
        let config = SessionConfig::from_env().map_err(|e| {
            Error::config("a DATAFUSION_ variable of the environment is wrong").caused_by(e)
        })?;
        let mut config = config
            .with_target_partitions(threads)
            .with_information_schema(true);
        let options = config.options_mut();
        options.sql_parser.collect_spans = true;
        // A field of what a function returns, taken close to the scan, would call the
        // function once for each field.
        options.optimizer.enable_leaf_expression_pushdown = false;
        options.execution.parquet.pushdown_filters = true;
        options.execution.parquet.reorder_filters = true;
        let mut context = SessionContext::new_with_config_rt(config, self.runtime.clone());
        functions::register(&mut context, &self.functions)?;
        Ok(context)
    }

    /// The version of everything but the SQL that decides a model's rows.
    pub fn functions_fingerprint(&self) -> String {
        self.functions.fingerprint()
    }
}

/// Parses one query and puts values for its `$name` parameters.
///
/// # Errors
/// DataFusion's own parse errors; a parameter without a value is a plan error.
pub fn bind(
    context: &SessionContext,
    sql: &str,
    parameters: &BTreeMap<String, Parameter>,
) -> Result<Statement, DataFusionError> {
    let dialect = context.state().config_options().sql_parser.dialect;
    let mut statement = context.state().sql_to_statement(sql, &dialect)?;
    bind_statement(&mut statement, parameters)?;
    Ok(statement)
}

fn bind_statement(
    statement: &mut Statement,
    parameters: &BTreeMap<String, Parameter>,
) -> Result<(), DataFusionError> {
    let inner = match statement {
        Statement::Statement(inner) => inner.as_mut(),
        Statement::Explain(explain) => {
            return bind_statement(&mut explain.statement, parameters);
        }
        _ => return Ok(()),
    };
    let flow = ast::visit_expressions_mut(inner, |expr| {
        if let Expr::Value(value) = expr
            && let Value::Placeholder(name) = &value.value
        {
            match parameters.get(name.trim_start_matches('$')) {
                Some(parameter) => *expr = literal(parameter),
                None => return ControlFlow::Break(name.clone()),
            }
        }
        ControlFlow::Continue(())
    });
    match flow {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(name) => Err(DataFusionError::Plan(format!(
            "the parameter {name} has no value: set it under [vars] in attrib.toml or with --vars"
        ))),
    }
}

fn literal(parameter: &Parameter) -> Expr {
    let value = |value: Value| Expr::Value(value.into());
    match parameter {
        Parameter::Text(text) => value(Value::SingleQuotedString(text.clone())),
        Parameter::Int(n) => value(Value::Number(n.to_string(), false)),
        Parameter::Float(x) => value(Value::Number(format!("{x:?}"), false)),
        Parameter::Bool(b) => value(Value::Boolean(*b)),
        Parameter::List(items) => Expr::Function(Function {
            name: ObjectName::from(vec![Ident::new("make_array")]),
            uses_odbc_syntax: false,
            parameters: FunctionArguments::None,
            args: FunctionArguments::List(FunctionArgumentList {
                duplicate_treatment: None,
                args: items
                    .iter()
                    .map(|item| {
                        FunctionArg::Unnamed(FunctionArgExpr::Expr(value(
                            Value::SingleQuotedString(item.clone()),
                        )))
                    })
                    .collect(),
                clauses: Vec::new(),
            }),
            filter: None,
            null_treatment: None,
            over: None,
            within_group: Vec::new(),
        }),
    }
}

/// Plans a bound query; anything that would write or change settings is refused.
pub async fn plan(
    context: &SessionContext,
    statement: Statement,
) -> Result<DataFrame, DataFusionError> {
    let plan = context.state().statement_to_plan(statement).await?;
    SQLOptions::new()
        .with_allow_ddl(false)
        .with_allow_dml(false)
        .with_allow_statements(false)
        .verify_plan(&plan)?;
    context.execute_logical_plan(plan).await
}

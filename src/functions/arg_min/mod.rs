//! `arg_min(value, order, …)` and `arg_max(value, order, …)`: the value of the first or of
//! the last row in an order.
//!
//! DuckDB and ClickHouse have these two; DataFusion has `first_value(value order by …)`,
//! which does not take several columns of one row together (an aggregate over a struct is
//! slow there) and holds each order once for each value. Here the value may be a struct, so
//! that one aggregate with one order gives all columns of the row. The rows of a group need
//! not come in any order.

mod groups;
mod order;

use std::sync::{Arc, LazyLock};

use arrow::array::{ArrayRef, BooleanArray};
use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::{Result, ScalarValue, plan_err};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, Documentation, EmitTo, GroupsAccumulator,
    Signature, Volatility,
};

use super::FunctionDoc;
use groups::Groups;

/// Which end of the order is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Extreme {
    Min,
    Max,
}

pub(super) const ARG_MAX: FunctionDoc = FunctionDoc {
    name: "arg_max",
    signature: "arg_max(value any, order bigint | boolean | timestamp | date | binary, …) -> any",
    description: "Aggregate: the value of the row that comes last in the order, which may be \
                  null. Of several orders the first decides, and then the next. Rows whose \
                  order is null do not count, and of rows of equal order any one does. With \
                  `named_struct` as value, several columns of that one row.",
};

pub(super) const ARG_MIN: FunctionDoc = FunctionDoc {
    name: "arg_min",
    signature: "arg_min(value any, order bigint | boolean | timestamp | date | binary, …) -> any",
    description: "Aggregate: the value of the row that comes first in the order, else as \
                  `arg_max`.",
};

static ARG_MAX_DOCUMENTATION: LazyLock<Documentation> =
    LazyLock::new(|| ARG_MAX.documentation());
static ARG_MIN_DOCUMENTATION: LazyLock<Documentation> =
    LazyLock::new(|| ARG_MIN.documentation());

pub(super) fn arg_max() -> AggregateUDF {
    function(Extreme::Max)
}

pub(super) fn arg_min() -> AggregateUDF {
    function(Extreme::Min)
}

fn function(extreme: Extreme) -> AggregateUDF {
    AggregateUDF::from(ArgExtreme {
        extreme,
        signature: Signature::user_defined(Volatility::Immutable),
    })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct ArgExtreme {
    extreme: Extreme,
    signature: Signature,
}

impl ArgExtreme {
    fn doc(&self) -> FunctionDoc {
        match self.extreme {
            Extreme::Min => ARG_MIN,
            Extreme::Max => ARG_MAX,
        }
    }
}

impl AggregateUDFImpl for ArgExtreme {
    fn name(&self) -> &str {
        self.doc().name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        let [value, orders @ ..] = given else {
            return plan_err!("{} takes a value and an order", self.name());
        };
        if orders.is_empty() {
            return plan_err!("{} takes an order after the value", self.name());
        }
        let mut types = vec![value.clone()];
        for order in orders {
            types.push(order::coerced(self.name(), order)?);
        }
        Ok(types)
    }

    fn return_type(&self, given: &[DataType]) -> Result<DataType> {
        Ok(groups::kept(&given[0]))
    }

    fn state_fields(&self, arguments: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        let [value, orders @ ..] = arguments.input_fields else {
            return plan_err!("{} takes a value and an order", self.name());
        };
        let state = |part: String, data_type: DataType| {
            let name = format!("{}_{part}", arguments.name);
            Arc::new(Field::new(name, data_type, true))
        };
        let mut fields = vec![state("value".into(), groups::kept(value.data_type()))];
        for (place, order) in (1..).zip(orders) {
            fields.push(state(
                format!("order_{place}"),
                order::kept(order.data_type()),
            ));
        }
        Ok(fields)
    }

    fn accumulator(&self, arguments: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        Ok(Box::new(OneGroup(self.groups(&arguments)?)))
    }

    fn groups_accumulator_supported(&self, _arguments: AccumulatorArgs) -> bool {
        true
    }

    fn create_groups_accumulator(
        &self,
        arguments: AccumulatorArgs,
    ) -> Result<Box<dyn GroupsAccumulator>> {
        Ok(Box::new(self.groups(&arguments)?))
    }

    fn documentation(&self) -> Option<&Documentation> {
        Some(match self.extreme {
            Extreme::Min => &ARG_MIN_DOCUMENTATION,
            Extreme::Max => &ARG_MAX_DOCUMENTATION,
        })
    }
}

impl ArgExtreme {
    fn groups(&self, arguments: &AccumulatorArgs) -> Result<Groups> {
        if arguments.is_distinct {
            return plan_err!("{} takes no `distinct`", self.name());
        }
        let orders = arguments.expr_fields.iter().skip(1);
        let orders = orders.map(|order| order.data_type());
        Groups::new(self.extreme, arguments.return_field.data_type(), orders)
    }
}

/// All rows as one group: an aggregate without `group by`.
#[derive(Debug)]
struct OneGroup(Groups);

impl Accumulator for OneGroup {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let groups = vec![0; values[0].len()];
        self.0
            .update_batch(values, &groups, None::<&BooleanArray>, 1)
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let groups = vec![0; states[0].len()];
        self.0.merge_batch(states, &groups, 1)
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        self.0.grow(1);
        ScalarValue::try_from_array(&self.0.evaluate(EmitTo::All)?, 0)
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        self.0.grow(1);
        let states = self.0.state(EmitTo::All)?;
        states
            .iter()
            .map(|state| ScalarValue::try_from_array(state, 0))
            .collect()
    }

    fn size(&self) -> usize {
        self.0.size()
    }
}

#[cfg(test)]
mod tests {
    use datafusion::prelude::{SessionConfig, SessionContext};
    use proptest::prelude::*;

    /// Runs `sql` with several partitions and small batches, so that states are merged.
    fn answer(sql: &str) -> Vec<String> {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let config = SessionConfig::new()
                .with_target_partitions(3)
                .with_batch_size(7);
            let context = SessionContext::new_with_config(config);
            context.register_udaf(super::arg_min());
            context.register_udaf(super::arg_max());
            let batches = context.sql(sql).await.unwrap().collect().await.unwrap();
            let mut rows = Vec::new();
            for batch in &batches {
                for row in 0..batch.num_rows() {
                    let cells = batch.columns().iter().map(|column| {
                        arrow::util::display::array_value_to_string(column, row).unwrap()
                    });
                    rows.push(cells.collect::<Vec<_>>().join("|"));
                }
            }
            rows
        })
    }

    #[test]
    fn several_columns_of_one_row_and_null_where_there_is_none() {
        let rows = answer(
            "select
                g,
                arg_min(named_struct('a', a, 'b', b), at)['b'] as first,
                arg_max(a, at) as last,
                arg_min(named_struct('a', a), at) filter (where a = 'never')['a'] as none
            from (values (1, 'x', 10, 5), (1, 'y', 20, 3), (1, null, 30, 9), (2, 'z', 1, null))
                as t (g, a, b, at)
            group by g order by g",
        );
        assert_eq!(rows, ["1|20||", "2|||"]);
    }

    #[test]
    fn later_orders_decide_where_the_first_are_equal() {
        let rows = answer(
            "select arg_min(a, is_auto, at), arg_max(a, is_auto, at), arg_min(a, arrow_cast(at, 'Date32'))
            from (values ('x', true, 1), ('y', false, 3), ('z', false, 2), ('w', null, 0))
                as t (a, is_auto, at)",
        );
        assert_eq!(rows, ["z|x|w"]);
        assert_eq!(
            answer("select arg_min(1, 2) from (select 1 where false)"),
            [""]
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn is_first_value_by_order(
            rows in prop::collection::vec((0..9i64, prop::option::of(-5..5i64), 0..3i64), 1..200),
        ) {
            // The value is the row's number, so that it says which row was taken; made part
            // of the order, so that no two rows are equal.
            let values: Vec<String> = rows
                .iter()
                .enumerate()
                .map(|(i, (group, at, then))| {
                    let at = at.map_or("null".to_string(), |at| at.to_string());
                    format!("({group}, {at}, {then}, {i})")
                })
                .collect();
            let from = format!("(values {}) as t (g, at, then_by, i)", values.join(","));
            let found = answer(&format!(
                "select g, arg_min(i, at, then_by, i), arg_max(i, at, then_by, i)
                from {from} group by g order by g"
            ));
            let expected: Vec<String> = (0..9)
                .filter(|group| rows.iter().any(|(g, ..)| g == group))
                .map(|group| {
                    let mut ordered: Vec<_> = rows
                        .iter()
                        .enumerate()
                        .filter(|(_, (g, at, _))| g == &group && at.is_some())
                        .map(|(i, (_, at, then))| (at, then, i))
                        .collect();
                    ordered.sort();
                    let text = |row: Option<&(&Option<i64>, &i64, usize)>| {
                        row.map_or(String::new(), |row| row.2.to_string())
                    };
                    format!("{group}|{}|{}", text(ordered.first()), text(ordered.last()))
                })
                .collect();
            prop_assert_eq!(found, expected);
        }
    }
}

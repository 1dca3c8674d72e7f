//! Rows as Parquet in the shape of GA4's BigQuery export.

use std::fmt::{self, Write as _};
use std::io::Write;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, Float64Builder, Int64Builder, RecordBatch, StringBuilder, StructArray,
    new_null_array,
};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, Field, Fields, Schema};
use arrow::error::ArrowError;
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;

use super::arrivals::Tag;
use super::cells::Cells;
use super::nested_params::{self, Params, element, list};

/// Rows of a row group.
const GROUP: usize = 128 * 1024;

pub struct NestedWriter<W: Write + Send> {
    writer: ArrowWriter<W>,
    schema: Arc<Schema>,
    columns: Columns,
    rows: usize,
}

impl<W: Write + Send> NestedWriter<W> {
    pub fn new(out: W) -> Result<Self, ParquetError> {
        let mut columns = Columns::default();
        let schema = Arc::new(Schema::new(columns.finish()?.0));
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_max_row_group_row_count(Some(GROUP))
            .build();
        Ok(Self {
            writer: ArrowWriter::try_new(out, Arc::clone(&schema), Some(properties))?,
            schema,
            columns,
            rows: 0,
        })
    }

    pub fn write(&mut self, cells: &Cells<'_>) -> Result<(), ParquetError> {
        self.columns.append(cells);
        self.rows += 1;
        if self.rows == GROUP / 8 {
            self.flush()?;
        }
        Ok(())
    }

    pub fn finish(mut self) -> Result<(), ParquetError> {
        self.flush()?;
        self.writer.close()?;
        Ok(())
    }

    fn flush(&mut self) -> Result<(), ParquetError> {
        self.rows = 0;
        let (_, arrays) = self.columns.finish()?;
        let batch = RecordBatch::try_new(Arc::clone(&self.schema), arrays)?;
        self.writer.write(&batch)
    }
}

/// The columns while they are filled.
#[derive(Default)]
struct Columns {
    date: StringBuilder,
    at: Int64Builder,
    name: StringBuilder,
    params: Params,
    user_id: StringBuilder,
    pseudo_id: StringBuilder,
    device: [StringBuilder; 3],
    browser: StringBuilder,
    geo: [StringBuilder; 3],
    first: [StringBuilder; 3],
    stream_id: StringBuilder,
    platform: StringBuilder,
    collected: [StringBuilder; 4],
    is_collected: Vec<bool>,
    revenue: Float64Builder,
    transaction: StringBuilder,
    is_purchase: Vec<bool>,
    items: Items,
    batch: [Int64Builder; 3],
}

#[derive(Default)]
struct Items {
    ends: Vec<i32>,
    count: i32,
    ids: StringBuilder,
    names: StringBuilder,
    prices: Float64Builder,
    quantities: Int64Builder,
}

impl Columns {
    fn append(&mut self, cells: &Cells<'_>) {
        self.date.append_value(&cells.date);
        self.at.append_value(cells.at);
        self.name.append_value(cells.name);
        self.params.append(cells);
        match cells.user_id {
            Some(id) => append_format(&mut self.user_id, format_args!("u{id}")),
            None => self.user_id.append_null(),
        }
        let (own, seen) = cells.pseudo_id;
        append_format(&mut self.pseudo_id, format_args!("{own}.{seen}"));
        let (category, system, browser) = cells.class;
        let (country, region, city, language) = cells.place;
        append(&mut self.device, [category, system, language]);
        self.browser.append_value(browser);
        append(&mut self.geo, [country, region, city]);
        let [source, medium, campaign] = texts(cells.first);
        append(&mut self.first, [campaign, medium, source]);
        append_format(&mut self.stream_id, format_args!("{}", cells.stream_id));
        self.platform.append_value("WEB");

        let [source, medium, campaign] = cells.collected.map(texts).unwrap_or_default();
        let collected = [campaign, source, medium, &cells.gclid];
        self.is_collected
            .push(collected.iter().any(|text| !text.is_empty()));
        append(&mut self.collected, collected);

        let is_purchase = !cells.transaction.is_empty();
        self.is_purchase.push(is_purchase);
        let revenue = cells.cents.filter(|_| is_purchase);
        self.revenue
            .append_option(revenue.map(|cents| f64::from(cents) / 100.0));
        append(
            std::array::from_mut(&mut self.transaction),
            [&cells.transaction],
        );
        self.items.append(cells);
        let batch = cells.batch.map(|batch| {
            let (ordering, index) = (batch.ordering_id, batch.event_index);
            [batch.page_id, i64::from(ordering), i64::from(index)]
        });
        for (nth, builder) in self.batch.iter_mut().enumerate() {
            builder.append_option(batch.map(|batch| batch[nth]));
        }
    }

    /// The fields of the schema and what has been filled in, in the order of the export.
    fn finish(&mut self) -> Result<(Vec<Field>, Vec<ArrayRef>), ArrowError> {
        let [category, system, language] = self.device.each_mut().map(text);
        let browser = structure(&["browser"], vec![text(&mut self.browser)], None)?;
        let names = ["category", "operating_system", "language", "web_info"];
        let device = structure(&names, vec![category, system, language, browser], None)?;
        let geo = self.geo.each_mut().map(text).to_vec();
        let geo = structure(&["country", "region", "city"], geo, None)?;
        let first = self.first.each_mut().map(text).to_vec();
        let first = structure(&["name", "medium", "source"], first, None)?;

        let mut collected = self.collected.each_mut().map(text).to_vec();
        let unused = new_null_array(&DataType::Utf8, collected[0].len());
        collected.extend(vec![unused; 4]);
        let names = [
            "manual_campaign_name",
            "manual_source",
            "manual_medium",
            "gclid",
            "manual_term",
            "manual_content",
            "dclid",
            "srsltid",
        ];
        let is_collected = std::mem::take(&mut self.is_collected);
        let collected = structure(&names, collected, Some(is_collected))?;
        let purchase: Vec<ArrayRef> =
            vec![Arc::new(self.revenue.finish()), text(&mut self.transaction)];
        let is_purchase = std::mem::take(&mut self.is_purchase);
        let names = ["purchase_revenue", "transaction_id"];
        let ecommerce = structure(&names, purchase, Some(is_purchase))?;
        let [page_id, ordering_id, event_index] = self
            .batch
            .each_mut()
            .map(|builder| Arc::new(builder.finish()));

        let columns: Vec<(&str, ArrayRef)> = vec![
            ("event_date", text(&mut self.date)),
            ("event_timestamp", Arc::new(self.at.finish())),
            ("event_name", text(&mut self.name)),
            ("event_params", self.params.finish()?),
            ("user_id", text(&mut self.user_id)),
            ("user_pseudo_id", text(&mut self.pseudo_id)),
            ("device", device),
            ("geo", geo),
            ("traffic_source", first),
            ("stream_id", text(&mut self.stream_id)),
            ("platform", text(&mut self.platform)),
            ("ecommerce", ecommerce),
            ("items", self.items.finish()?),
            ("collected_traffic_source", collected),
            ("batch_page_id", page_id),
            ("batch_ordering_id", ordering_id),
            ("batch_event_index", event_index),
        ];
        debug_assert_eq!(*columns[3].1.data_type(), nested_params::data_type());
        let field = |(name, array): &(&str, ArrayRef)| {
            Field::new(*name, array.data_type().clone(), true)
        };
        let fields = columns.iter().map(field).collect();
        Ok((
            fields,
            columns.into_iter().map(|(_, array)| array).collect(),
        ))
    }
}

impl Items {
    fn append(&mut self, cells: &Cells<'_>) {
        for (page, product, quantity) in cells.items() {
            append_format(&mut self.ids, format_args!("SKU{page:05}"));
            self.names.append_value(&product.title);
            self.prices.append_value(f64::from(product.cents) / 100.0);
            self.quantities.append_value(i64::from(quantity));
            self.count += 1;
        }
        self.ends.push(self.count);
    }

    fn finish(&mut self) -> Result<ArrayRef, ArrowError> {
        let fields = Fields::from(vec![
            Field::new("item_id", DataType::Utf8, true),
            Field::new("item_name", DataType::Utf8, true),
            Field::new("price", DataType::Float64, true),
            Field::new("quantity", DataType::Int64, true),
        ]);
        let columns: Vec<ArrayRef> = vec![
            text(&mut self.ids),
            text(&mut self.names),
            Arc::new(self.prices.finish()),
            Arc::new(self.quantities.finish()),
        ];
        self.count = 0;
        let items = StructArray::try_new(fields.clone(), columns, None)?;
        Ok(Arc::new(list(
            element(fields),
            std::mem::take(&mut self.ends),
            items,
        )?))
    }
}

fn texts(tag: &Tag) -> [&str; 3] {
    [&tag.source, &tag.medium, &tag.campaign]
}

/// A text to each builder; an empty one is null.
fn append<const N: usize>(builders: &mut [StringBuilder; N], texts: [&str; N]) {
    for (builder, text) in builders.iter_mut().zip(texts) {
        builder.append_option((!text.is_empty()).then_some(text));
    }
}

/// Writing into a builder cannot fail; an empty text closes the value.
fn append_format(builder: &mut StringBuilder, text: fmt::Arguments<'_>) {
    let _ = builder.write_fmt(text);
    builder.append_value("");
}

fn text(builder: &mut StringBuilder) -> ArrayRef {
    Arc::new(builder.finish())
}

/// Columns as one column of structs, which is null where `is_there` says so.
fn structure(
    names: &[&str],
    columns: Vec<ArrayRef>,
    is_there: Option<Vec<bool>>,
) -> Result<ArrayRef, ArrowError> {
    let field = |(name, column): (&&str, &ArrayRef)| {
        Field::new(*name, column.data_type().clone(), true)
    };
    let fields: Fields = names.iter().zip(&columns).map(field).collect();
    let nulls = is_there.map(NullBuffer::from);
    Ok(Arc::new(StructArray::try_new(fields, columns, nulls)?))
}

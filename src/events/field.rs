//! The fields that an event can be given: their names and what kind of content each holds.
//!
//! A [`Field`] is what aliases, `[fields]` of `attrib.toml` and the readers fill in. Most are
//! columns of the raw table of the same name; the click ids (`gclid` …) together make up the
//! columns `click_id_type` and `click_id`.

/// How a field's content is cleaned and typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A point in time, see `timestamp.rs`.
    Timestamp,
    /// An identifier: trimmed, null words are null, otherwise as written.
    Id,
    /// An identifier that is a number by nature: like `Id`, and `2315275013.0` reads `2315275013`.
    NumericId,
    /// A campaign field: trimmed, null words are null.
    Campaign,
    /// Other text: trimmed, empty is null.
    Text,
    /// A currency code: trimmed, upper-cased.
    Currency,
    /// A whole number.
    Int,
    /// An exact decimal, see `money.rs`.
    Money,
    /// JSON text of an array.
    Items,
    /// A click id: cleaned as a campaign field.
    ClickId,
}

macro_rules! fields {
    ($($variant:ident $name:literal $kind:ident,)*) => {
        /// A field of an event.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Field { $(#[doc = concat!("`", $name, "`")] $variant,)* }

        impl Field {
            /// All fields, in the order of the raw table.
            pub const ALL: &'static [Field] = &[$(Field::$variant,)*];
            /// How many there are.
            pub const COUNT: usize = Field::ALL.len();

            /// The name, as used in `[fields]` of `attrib.toml`.
            pub const fn name(self) -> &'static str {
                match self { $(Field::$variant => $name,)* }
            }

            pub const fn kind(self) -> Kind {
                match self { $(Field::$variant => Kind::$kind,)* }
            }
        }
    };
}

fields! {
    SourceEventId "source_event_id" Id,
    EventTimestamp "event_timestamp" Timestamp,
    EventName "event_name" Text,
    UserId "user_id" Id,
    UserPseudoId "user_pseudo_id" Id,
    StreamId "stream_id" NumericId,
    Platform "platform" Text,
    GaSessionId "ga_session_id" NumericId,
    GaSessionNumber "ga_session_number" Int,
    BatchPageId "batch_page_id" Int,
    BatchOrderingId "batch_ordering_id" Int,
    BatchEventIndex "batch_event_index" Int,
    EventBundleSequenceId "event_bundle_sequence_id" Int,
    PageLocation "page_location" Text,
    PageReferrer "page_referrer" Text,
    PageTitle "page_title" Text,
    Source "source" Campaign,
    Medium "medium" Campaign,
    Campaign "campaign" Campaign,
    Content "content" Campaign,
    Term "term" Campaign,
    CollectedSource "collected_source" Campaign,
    CollectedMedium "collected_medium" Campaign,
    CollectedCampaign "collected_campaign" Campaign,
    CollectedContent "collected_content" Campaign,
    CollectedTerm "collected_term" Campaign,
    Gclid "gclid" ClickId,
    Gbraid "gbraid" ClickId,
    Wbraid "wbraid" ClickId,
    Dclid "dclid" ClickId,
    Msclkid "msclkid" ClickId,
    Ttclid "ttclid" ClickId,
    Twclid "twclid" ClickId,
    LiFatId "li_fat_id" ClickId,
    Fbclid "fbclid" ClickId,
    Srsltid "srsltid" ClickId,
    FirstUserSource "first_user_source" Campaign,
    FirstUserMedium "first_user_medium" Campaign,
    FirstUserCampaign "first_user_campaign" Campaign,
    DeviceCategory "device_category" Text,
    DeviceOperatingSystem "device_operating_system" Text,
    DeviceBrowser "device_browser" Text,
    DeviceLanguage "device_language" Text,
    GeoCountry "geo_country" Text,
    GeoRegion "geo_region" Text,
    GeoCity "geo_city" Text,
    PurchaseRevenue "purchase_revenue" Money,
    Value "value" Money,
    Currency "currency" Currency,
    TransactionId "transaction_id" Id,
    Items "items" Items,
}

impl Field {
    /// The fields of whole numbers.
    pub const INTS: &'static [Field] = &[
        Field::GaSessionNumber,
        Field::BatchPageId,
        Field::BatchOrderingId,
        Field::BatchEventIndex,
        Field::EventBundleSequenceId,
    ];

    /// The place of a field of whole numbers in [`Field::INTS`].
    pub fn int_place(self) -> Option<usize> {
        match self.kind() {
            Kind::Int => Field::INTS.iter().position(|field| *field == self),
            _ => None,
        }
    }

    /// The click ids, in the order in which the first one found counts.
    pub const CLICK_IDS: &'static [Field] = &[
        Field::Gclid,
        Field::Gbraid,
        Field::Wbraid,
        Field::Dclid,
        Field::Msclkid,
        Field::Ttclid,
        Field::Twclid,
        Field::LiFatId,
        Field::Fbclid,
        Field::Srsltid,
    ];

    /// Event params that have a column of their own. They are lifted into it and do not
    /// repeat in `event_params`.
    pub fn lifted(param: &str) -> Option<Field> {
        Some(match param {
            "ga_session_id" => Field::GaSessionId,
            "ga_session_number" => Field::GaSessionNumber,
            "batch_page_id" => Field::BatchPageId,
            "batch_ordering_id" => Field::BatchOrderingId,
            "batch_event_index" => Field::BatchEventIndex,
            "page_location" => Field::PageLocation,
            "page_referrer" => Field::PageReferrer,
            "page_title" => Field::PageTitle,
            "source" => Field::Source,
            "medium" => Field::Medium,
            "campaign" => Field::Campaign,
            "content" => Field::Content,
            "term" => Field::Term,
            "value" => Field::Value,
            "currency" => Field::Currency,
            "transaction_id" => Field::TransactionId,
            other => {
                return Field::CLICK_IDS
                    .iter()
                    .copied()
                    .find(|field| field.name() == other);
            }
        })
    }

    /// The field of this name, `event_id` being another word for `source_event_id`.
    pub fn from_name(name: &str) -> Option<Field> {
        if name == "event_id" {
            return Some(Field::SourceEventId);
        }
        Field::ALL
            .iter()
            .copied()
            .find(|field| field.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_back_to_their_fields() {
        for &field in Field::ALL {
            assert_eq!(Field::from_name(field.name()), Some(field));
            assert_eq!(Field::ALL[field as usize], field);
        }
        assert_eq!(Field::from_name("event_id"), Some(Field::SourceEventId));
        assert_eq!(Field::from_name("nonsense"), None);
    }

    #[test]
    fn lifts_params_with_a_column_only() {
        assert_eq!(Field::lifted("page_title"), Some(Field::PageTitle));
        assert_eq!(Field::lifted("fbclid"), Some(Field::Fbclid));
        assert_eq!(Field::lifted("user_id"), None);
        assert_eq!(Field::lifted("content_group"), None);
    }
}

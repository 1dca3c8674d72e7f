//! Google Cloud Storage and S3 as homes for tables.
//!
//! Credentials and endpoints come from the environment, in the names that `object_store`
//! documents (`GOOGLE_SERVICE_ACCOUNT`, `AWS_ACCESS_KEY_ID`, `AWS_ENDPOINT`, …). Both
//! stores can put an object only if it is not there, which is what makes a Delta commit
//! atomic without a lock.

use std::sync::Arc;

use object_store::ObjectStore;
use object_store::aws::{AmazonS3Builder, S3ConditionalPut};
use object_store::gcp::GoogleCloudStorageBuilder;
use url::Url;

use crate::{Error, Result};

/// The bucket of `url`, as an object store rooted at the bucket.
pub fn object_store(url: &Url) -> Result<Arc<dyn ObjectStore>> {
    let built = match url.scheme() {
        "gs" => GoogleCloudStorageBuilder::from_env()
            .with_url(url.as_str())
            .build()
            .map(|store| Arc::new(store) as Arc<dyn ObjectStore>),
        "s3" | "s3a" => AmazonS3Builder::from_env()
            .with_url(url.as_str())
            .with_conditional_put(S3ConditionalPut::ETagMatch)
            .build()
            .map(|store| Arc::new(store) as Arc<dyn ObjectStore>),
        scheme => {
            return Err(Error::config("cannot keep tables there")
                .with("location", url)
                .with("scheme", scheme)
                .hint("use a folder, a gs:// or an s3:// URL"));
        }
    };
    built.map_err(|e| {
        Error::config("cannot open the bucket")
            .with("location", url)
            .hint(
                "set the credentials in the environment (gs: GOOGLE_SERVICE_ACCOUNT; \
                 s3: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION)",
            )
            .caused_by(e)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_scheme_is_refused() {
        let error = object_store(&Url::parse("ftp://host/x").unwrap()).unwrap_err();
        assert!(error.to_string().contains("ftp"));
        assert!(error.hint_text().unwrap().contains("gs://"));
    }
}

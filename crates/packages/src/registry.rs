//! Packages in registries of containers: an OCI artifact with the package as its first layer, and its signature as the second.

use std::collections::BTreeMap;

use bytes::Bytes;
use futures_util::TryStreamExt;
use jiff::Timestamp;
use oci_client::{
    Client, RegistryOperation,
    client::{ClientConfig, ClientProtocol, Config, ImageLayer},
    errors::OciDistributionError,
    manifest::{OCI_IMAGE_MEDIA_TYPE, OciDescriptor, OciImageManifest},
    secrets::RegistryAuth,
};

use crate::{
    Digest, Error, FetchBounds, Fetched, OciReference, Package, Signature, Source, fetch,
    outbound::{CONNECTING, USER_AGENT, in_words},
};

/// The type of the artifact.
pub const ARTIFACT_TYPE: &str = "application/vnd.switchboard.plugin.v1";
/// The type of the layer that is the package.
pub const PACKAGE_LAYER: &str = "application/vnd.switchboard.plugin.package.v1.tar+zstd";
/// The type of the layer that is its signature.
pub const SIGNATURE_LAYER: &str = "application/vnd.switchboard.plugin.signature.v1.minisig";

/// The type of a configuration that says nothing.
const EMPTY: &str = "application/vnd.oci.empty.v1+json";
/// The annotation that says when an artifact was made.
const CREATED: &str = "org.opencontainers.image.created";
/// The annotation that says what the file of a layer is called.
const TITLE: &str = "org.opencontainers.image.title";

/// Who asks a registry.
pub struct Credentials {
    /// The name.
    pub user: String,
    /// The password, or the token that stands for it.
    pub password: String,
}

/// What was put into a registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pushed {
    /// Where it is, by its tag.
    pub source: Source,
    /// The digest of the artifact, by which it can be named for ever: `registry/name@sha256:…`.
    pub manifest: String,
    /// The digest of the package.
    pub package: Digest,
}

/// Pulls the package of an artifact.
pub(crate) async fn pull(
    reference: &OciReference,
    credentials: Option<&Credentials>,
    bounds: &FetchBounds,
) -> Result<Fetched, Error> {
    let source = Source::Oci(reference.clone());
    let place = source.to_string();
    let client = client(reference, bounds)?;
    let manifest = client.pull_image_manifest(&reference.0, &authentication(credentials)).await;
    let (manifest, _) = manifest.map_err(|error| told(error, &place))?;
    let is_plugin = manifest.artifact_type.as_deref() == Some(ARTIFACT_TYPE)
        || manifest.config.media_type == ARTIFACT_TYPE;
    let not_a_plugin = |why: String| Error::NotAnArtifact { place: place.clone(), why };
    if !is_plugin {
        let found = manifest.artifact_type.as_deref().unwrap_or(&manifest.config.media_type);
        return Err(not_a_plugin(format!("it is of the type `{}`", found.escape_debug())));
    }
    let layer = |kind: &str| manifest.layers.iter().find(|layer| layer.media_type == kind);
    let package = layer(PACKAGE_LAYER)
        .ok_or_else(|| not_a_plugin(format!("it has no layer of the type `{PACKAGE_LAYER}`")))?;
    let bytes = blob(&client, reference, package, bounds.bytes, &place).await?;
    let signature = match layer(SIGNATURE_LAYER) {
        Some(layer) => {
            let text = blob(&client, reference, layer, fetch::LARGEST_SIGNATURE, &place).await?;
            Some(fetch::parse_signature(&text)?)
        }
        None => None,
    };
    let created = manifest.annotations.as_ref().and_then(|all| all.get(CREATED));
    let released = created.and_then(|text| text.parse().ok());
    Ok(Fetched { source, bytes, signature, released })
}

/// The bytes of a layer, which are as many as it says, and those that it says.
async fn blob(
    client: &Client,
    reference: &OciReference,
    layer: &OciDescriptor,
    most: u64,
    place: &str,
) -> Result<Vec<u8>, Error> {
    let digest: Digest = layer.digest.parse()?;
    let too_large = || Error::AnswerTooLarge { place: place.to_owned(), most };
    let size = u64::try_from(layer.size).unwrap_or(u64::MAX);
    if size > most {
        return Err(too_large());
    }
    // By its digest alone: a layer may name other addresses, and nobody asked for those.
    let alone = OciDescriptor { digest: layer.digest.clone(), size: layer.size, ..OciDescriptor::default() };
    let stream = client.pull_blob_stream(&reference.0, &alone).await.map_err(|error| told(error, place))?;
    let mut stream = stream.stream;
    let mut bytes = Vec::new();
    let unreadable = |error: std::io::Error| match error.to_string().to_lowercase().contains("digest") {
        true => Error::OtherDigest { place: place.to_owned() },
        false => Error::Unreachable { place: place.to_owned(), why: error.to_string() },
    };
    while let Some(piece) = stream.try_next().await.map_err(unreadable)? {
        if (bytes.len() + piece.len()) as u64 > size {
            return Err(Error::OtherDigest { place: place.to_owned() });
        }
        bytes.extend_from_slice(&piece);
    }
    if Digest::of(&bytes) != digest {
        return Err(Error::OtherDigest { place: place.to_owned() });
    }
    Ok(bytes)
}

/// Puts a package into a registry, with its signature if there is one.
///
/// # Errors
/// When the registry cannot be reached, refuses, or takes too long.
pub async fn push(
    reference: &OciReference,
    package: &Package,
    bytes: Vec<u8>,
    signature: Option<&Signature>,
    credentials: Option<&Credentials>,
    created: Timestamp,
    bounds: &FetchBounds,
) -> Result<Pushed, Error> {
    let source = Source::Oci(reference.clone());
    let place = source.to_string();
    let pushed = async {
        let failed = |error| told(error, &place);
        let client = client(reference, bounds)?;
        let authentication = authentication(credentials);
        client.auth(&reference.0, &authentication, RegistryOperation::Push).await.map_err(failed)?;
        let name = package.file_name();
        let mut layers = vec![layer(bytes.into(), PACKAGE_LAYER, name.clone())];
        let text = signature.map(|signature| Bytes::copy_from_slice(signature.text().as_bytes()));
        layers.extend(
            text.map(|text| layer(text, SIGNATURE_LAYER, format!("{name}.{}", crate::SIGNATURE_EXTENSION))),
        );
        let config = Config::new(Bytes::from_static(b"{}"), EMPTY.to_owned(), None);
        let mut manifest = OciImageManifest::build(&layers, &config, Some(annotations(package, created)));
        manifest.media_type = Some(OCI_IMAGE_MEDIA_TYPE.to_owned());
        manifest.artifact_type = Some(ARTIFACT_TYPE.to_owned());
        client.push(&reference.0, &layers, config, &authentication, Some(manifest)).await.map_err(failed)?;
        client.fetch_manifest_digest(&reference.0, &authentication).await.map_err(failed)
    };
    let too_slow = |_| Error::TooSlow { place: place.clone(), seconds: bounds.time.as_secs() };
    let manifest = tokio::time::timeout(bounds.time, pushed).await.map_err(too_slow)??;
    Ok(Pushed { source, manifest, package: package.digest() })
}

fn layer(bytes: Bytes, kind: &str, file_name: String) -> ImageLayer {
    ImageLayer::new(bytes, kind.to_owned(), Some(BTreeMap::from([(TITLE.to_owned(), file_name)])))
}

/// What registries show of an artifact.
fn annotations(package: &Package, created: Timestamp) -> BTreeMap<String, String> {
    let manifest = package.manifest();
    let said = [
        ("created", Some(created.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())),
        ("title", Some(manifest.name.clone())),
        ("version", Some(manifest.version.to_string())),
        ("description", Some(manifest.description.clone()).filter(|text| !text.is_empty())),
        ("authors", manifest.author.clone()),
        ("url", manifest.website.clone()),
        ("licenses", manifest.license.clone()),
    ];
    let all =
        said.into_iter().filter_map(|(name, text)| Some((format!("org.opencontainers.image.{name}"), text?)));
    all.collect()
}

fn authentication(credentials: Option<&Credentials>) -> RegistryAuth {
    match credentials {
        Some(Credentials { user, password }) => RegistryAuth::Basic(user.clone(), password.clone()),
        None => RegistryAuth::Anonymous,
    }
}

fn client(reference: &OciReference, bounds: &FetchBounds) -> Result<Client, Error> {
    // The library's client is made without one that speaks TLS; a second installation changes nothing.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let protocol = if reference.is_of_this_machine() { ClientProtocol::Http } else { ClientProtocol::Https };
    let config = ClientConfig {
        protocol,
        platform_resolver: None,
        connect_timeout: Some(CONNECTING),
        read_timeout: Some(bounds.time),
        user_agent: USER_AGENT,
        ..ClientConfig::default()
    };
    let place = Source::Oci(reference.clone()).to_string();
    Client::try_from(config).map_err(|error| Error::Unreachable { place, why: in_words(&error) })
}

/// What an error of the library means.
fn told(error: OciDistributionError, place: &str) -> Error {
    use OciDistributionError as Oci;
    let place = place.to_owned();
    match error {
        Oci::DigestError(_) => Error::OtherDigest { place },
        Oci::UnauthorizedError { .. } | Oci::AuthenticationFailure(_) => {
            Error::NotAllowed { place, why: "it wants to know who asks, or knows and says no".to_owned() }
        }
        Oci::ServerError { code, .. } => Error::Refused { place, status: code },
        Oci::RegistryError { envelope, .. } => {
            let said = envelope.errors.iter().map(|error| match error.message.is_empty() {
                true => format!("{:?}", error.code),
                false => error.message.escape_debug().to_string(),
            });
            Error::Registry { place, said: said.collect::<Vec<_>>().join(", ") }
        }
        Oci::ImageManifestNotFoundError(_) => Error::Refused { place, status: 404 },
        Oci::ImageIndexParsingNoPlatformResolverError => {
            Error::NotAnArtifact { place, why: "it is a list of artifacts; name one of them".to_owned() }
        }
        Oci::RequestError(error) => Error::Unreachable { place, why: in_words(&error.without_url()) },
        other => Error::NotAnArtifact { place, why: in_words(&other).escape_debug().to_string() },
    }
}

//! Where the secrets are. What they are stands elsewhere: in the environment or in files of
//! their own.

use std::env;
use std::fs::File;
use std::io::Read;

use super::error::Flaw;
use super::fields::Field;
use crate::secret::{BinanceKeys, Keys, OkxKeys, Secret, SigningKey};

/// The largest file of a secret; a key has a few dozen characters.
const SECRET_MAX: u64 = 4096;

/// Reads the keys of each venue.
pub(super) fn read(field: &Field<'_>) -> Result<Keys, Flaw> {
    let venues = field.mapping(&["okx", "binance"])?;
    let read = |venue| venues.optional(venue);
    Ok(Keys {
        okx: read("okx").as_ref().map(okx).transpose()?,
        binance: read("binance").as_ref().map(binance).transpose()?,
    })
}

fn okx(field: &Field<'_>) -> Result<OkxKeys, Flaw> {
    let keys = field.mapping(&["api_key", "secret_key", "passphrase"])?;
    Ok(OkxKeys {
        api_key: secret(&keys.required("api_key")?)?,
        secret_key: secret(&keys.required("secret_key")?)?,
        passphrase: secret(&keys.required("passphrase")?)?,
    })
}

fn binance(field: &Field<'_>) -> Result<BinanceKeys, Flaw> {
    let keys = field.mapping(&["api_key", "secret_key", "private_key"])?;
    let api_key = secret(&keys.required("api_key")?)?;
    let signing = match (keys.optional("secret_key"), keys.optional("private_key")) {
        (Some(shared), None) => SigningKey::Hmac(secret(&shared)?),
        (None, Some(own)) => private_key(&own)?,
        (Some(_), Some(own)) => {
            return Err(own.refuse("does not go with `secret_key`: a key signs in one way"));
        }
        (None, None) => {
            return Err(field.refuse(
                "needs `secret_key` (of a key that signs by HMAC) or `private_key` (by Ed25519)",
            ));
        }
    };
    Ok(BinanceKeys { api_key, signing })
}

fn private_key(field: &Field<'_>) -> Result<SigningKey, Flaw> {
    let read = SigningKey::from_pem(&secret(field)?);
    read.ok_or_else(|| field.refuse("leads to no Ed25519 key; PKCS#8 in PEM is needed"))
}

/// Fetches a secret from where it is. No message shows what stands in the configuration, because
/// that might be the secret itself.
fn secret(field: &Field<'_>) -> Result<Secret, Flaw> {
    let place = field.text().unwrap_or_default();
    let text = match place.split_once(':') {
        Some(("env", name)) => from_environment(field, name)?,
        Some(("file", path)) => from_file(field, path)?,
        Some(_) | None => {
            let message =
                "must be `env:NAME` or `file:PATH`; the secret itself does not belong here";
            return Err(field.refuse(message));
        }
    };
    match text.is_empty() {
        true => Err(field.refuse("leads to an empty secret")),
        false => Ok(Secret::new(text)),
    }
}

fn from_environment(field: &Field<'_>, name: &str) -> Result<String, Flaw> {
    match env::var(name) {
        Ok(text) => Ok(text),
        Err(env::VarError::NotPresent) => Err(field.refuse(format_args!(
            "names the environment variable `{}`, which is not set",
            name.escape_debug()
        ))),
        Err(env::VarError::NotUnicode(_)) => Err(field.refuse(format_args!(
            "names the environment variable `{}`, which is not UTF-8",
            name.escape_debug()
        ))),
    }
}

/// What the file holds, without the line's end that editors add.
fn from_file(field: &Field<'_>, path: &str) -> Result<String, Flaw> {
    let failed = |error: &dyn std::fmt::Display| {
        let path = path.escape_debug();
        field.refuse(format_args!(
            "names the file `{path}`, which cannot be read: {error}"
        ))
    };
    let mut text = String::new();
    let opened = File::open(path).map_err(|error| failed(&error))?;
    let mut limited = opened.take(SECRET_MAX + 1);
    let read = limited.read_to_string(&mut text);
    if read.map_err(|error| failed(&error))? as u64 > SECRET_MAX {
        return Err(failed(&format_args!(
            "it is larger than {SECRET_MAX} bytes"
        )));
    }
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

//! The cryptography of the libraries that let one choose, by `ring`: TLS, and of JWTs what strangers send us to verify and
//! what an RSA key of ours signs. It takes a fraction of the time of the crates that `jsonwebtoken` brings, and leaks none of
//! the key by it. What `ring` does not take stays with them.

use jsonwebtoken::crypto::{CryptoProvider, JwtSigner, JwtVerifier, rust_crypto};
use jsonwebtoken::errors::Result;
use jsonwebtoken::signature::{self, Signer, Verifier};
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey, DecodingKeyKind, EncodingKey};
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256,
    RSA_PSS_2048_8192_SHA256, RSA_PSS_SHA256, RsaEncoding, RsaKeyPair, RsaParameters, RsaPublicKeyComponents,
    UnparsedPublicKey, VerificationAlgorithm,
};
use std::sync::LazyLock;

static JWT: LazyLock<CryptoProvider> = LazyLock::new(|| CryptoProvider {
    signer_factory: signer,
    verifier_factory: verifier,
    key_utils: rust_crypto::DEFAULT_PROVIDER.key_utils.clone(),
});

/// Chooses it for this process; whoever builds a client or verifies may call it again.
pub(crate) fn install() {
    // Both fail when a provider is installed already, which is all that is wanted.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let _ = JWT.install_default();
}

/// What a key is to ring.
#[derive(Clone, Copy)]
enum How {
    Rsa(&'static RsaParameters),
    /// Its octets: an uncompressed point, or what Ed25519 calls a public key.
    Point(&'static dyn VerificationAlgorithm),
}

/// Algorithms whose signatures ring verifies; the others stay with the crate.
static VERIFIED: [(Algorithm, AlgorithmFamily, How); 5] = [
    (Algorithm::RS256, AlgorithmFamily::Rsa, How::Rsa(&RSA_PKCS1_2048_8192_SHA256)),
    (Algorithm::PS256, AlgorithmFamily::Rsa, How::Rsa(&RSA_PSS_2048_8192_SHA256)),
    (Algorithm::ES256, AlgorithmFamily::Ec, How::Point(&ECDSA_P256_SHA256_FIXED)),
    (Algorithm::ES384, AlgorithmFamily::Ec, How::Point(&ECDSA_P384_SHA384_FIXED)),
    (Algorithm::EdDSA, AlgorithmFamily::Ed, How::Point(&ED25519)),
];
/// Algorithms that ring signs with.
static SIGNED: [(Algorithm, &dyn RsaEncoding); 2] =
    [(Algorithm::RS256, &RSA_PKCS1_SHA256), (Algorithm::PS256, &RSA_PSS_SHA256)];

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature is the crate's")]
fn verifier(algorithm: &Algorithm, key: &DecodingKey) -> Result<Box<dyn JwtVerifier>> {
    let Some((_, family, how)) = VERIFIED.iter().find(|(known, ..)| known == algorithm) else {
        return (rust_crypto::DEFAULT_PROVIDER.verifier_factory)(algorithm, key);
    };
    if key.family() != *family {
        return Err(jsonwebtoken::errors::ErrorKind::InvalidKeyFormat.into());
    }
    Ok(Box::new(RingVerifier { algorithm: *algorithm, how: *how, key: key.clone() }))
}

struct RingVerifier {
    algorithm: Algorithm,
    how: How,
    key: DecodingKey,
}

impl Verifier<Vec<u8>> for RingVerifier {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> std::result::Result<(), signature::Error> {
        let verified = match (&self.how, self.key.kind()) {
            (How::Rsa(parameters), DecodingKeyKind::RsaModulusExponent { n, e }) => {
                // Zeros in front change no number (RFC 7518 §2 has none), but ring takes none.
                let (n, e) = (number(n), number(e));
                RsaPublicKeyComponents { n, e }.verify(parameters, message, signature)
            }
            (How::Rsa(parameters), DecodingKeyKind::SecretOrDer(der)) => {
                UnparsedPublicKey::new(*parameters, der).verify(message, signature)
            }
            (How::Point(algorithm), DecodingKeyKind::SecretOrDer(key)) => {
                UnparsedPublicKey::new(*algorithm, key).verify(message, signature)
            }
            (How::Point(_), DecodingKeyKind::RsaModulusExponent { .. }) => Err(ring::error::Unspecified),
        };
        verified.map_err(|_| signature::Error::new())
    }
}

fn number(octets: &[u8]) -> &[u8] {
    octets.get(octets.iter().take_while(|octet| **octet == 0).count()..).unwrap_or_default()
}

impl JwtVerifier for RingVerifier {
    fn algorithm(&self) -> Algorithm {
        self.algorithm
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature is the crate's")]
fn signer(algorithm: &Algorithm, key: &EncodingKey) -> Result<Box<dyn JwtSigner>> {
    let encoding =
        SIGNED.iter().find(|(known, _)| known == algorithm && key.family() == AlgorithmFamily::Rsa);
    // A modulus of more than 4096 bits is none of ring's.
    let pair =
        encoding.and_then(|(_, encoding)| Some((*encoding, RsaKeyPair::from_der(key.as_bytes()).ok()?)));
    match pair {
        Some((encoding, pair)) => Ok(Box::new(RingSigner { algorithm: *algorithm, encoding, pair })),
        None => (rust_crypto::DEFAULT_PROVIDER.signer_factory)(algorithm, key),
    }
}

struct RingSigner {
    algorithm: Algorithm,
    encoding: &'static dyn RsaEncoding,
    pair: RsaKeyPair,
}

impl Signer<Vec<u8>> for RingSigner {
    fn try_sign(&self, message: &[u8]) -> std::result::Result<Vec<u8>, signature::Error> {
        let mut signature = vec![0; self.pair.public().modulus_len()];
        let signed = self.pair.sign(self.encoding, &SystemRandom::new(), message, &mut signature);
        signed.map_err(|_| signature::Error::new())?;
        Ok(signature)
    }
}

impl JwtSigner for RingSigner {
    fn algorithm(&self) -> Algorithm {
        self.algorithm
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use p256::pkcs8::EncodePrivateKey;

    const MESSAGE: &[u8] = b"header.claims";
    /// Ed25519 as PKCS #8 (RFC 8410 §10.3).
    const EDWARDS: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n-----END PRIVATE KEY-----\n";

    fn rsa() -> EncodingKey {
        EncodingKey::from_rsa_pem(include_bytes!("entra/id_token/test-only-key.pem")).unwrap()
    }

    fn public(key: &EncodingKey, algorithm: Algorithm) -> DecodingKey {
        DecodingKey::from_jwk(&jsonwebtoken::jwk::Jwk::from_encoding_key(key, algorithm).unwrap()).unwrap()
    }

    /// Both are asked for the same, so that neither is wrong in a way of its own.
    #[test]
    fn it_agrees_with_the_crate_that_it_stands_for() {
        let curve = |der: &[u8]| EncodingKey::from_ec_der(der);
        let p256 =
            p256::SecretKey::random(&mut p256::elliptic_curve::rand_core::OsRng).to_pkcs8_der().unwrap();
        let keys = [
            (Algorithm::RS256, rsa()),
            (Algorithm::PS256, rsa()),
            (Algorithm::ES256, curve(p256.as_bytes())),
            (Algorithm::EdDSA, EncodingKey::from_ed_pem(EDWARDS.as_bytes()).unwrap()),
        ];
        let theirs = &rust_crypto::DEFAULT_PROVIDER;
        for (algorithm, key) in keys {
            let known = public(&key, algorithm);
            for sign in [signer, theirs.signer_factory] {
                let signature = sign(&algorithm, &key).unwrap().try_sign(MESSAGE).unwrap();
                for verify in [verifier, theirs.verifier_factory] {
                    let verifier = verify(&algorithm, &known).unwrap();
                    verifier.verify(MESSAGE, &signature).unwrap();
                    verifier.verify(b"header.others", &signature).unwrap_err();
                    verifier.verify(MESSAGE, &signature[1..].to_vec()).unwrap_err();
                    verifier.verify(MESSAGE, &Vec::new()).unwrap_err();
                }
            }
        }
    }

    /// What a signature says must not depend on the key being of the kind that its sender hopes for.
    #[test]
    fn a_key_of_another_kind_or_size_verifies_nothing() {
        let known = public(&rsa(), Algorithm::RS256);
        for algorithm in [Algorithm::ES256, Algorithm::ES384, Algorithm::EdDSA, Algorithm::HS256] {
            assert!(verifier(&algorithm, &known).is_err(), "{algorithm:?}");
        }
        let signature = signer(&Algorithm::RS256, &rsa()).unwrap().try_sign(MESSAGE).unwrap();
        for short in
            [DecodingKey::from_rsa_raw_components(&[0xff; 64], &[1, 0, 1]), DecodingKey::from_ed_der(&[1])]
        {
            let algorithm =
                if short.family() == AlgorithmFamily::Rsa { Algorithm::RS256 } else { Algorithm::EdDSA };
            verifier(&algorithm, &short).unwrap().verify(MESSAGE, &signature).unwrap_err();
        }
    }

    /// They are the same number, and the crate that ring stands for takes them.
    #[test]
    fn zeros_in_front_of_a_modulus_change_nothing() {
        let (known, key) = (public(&rsa(), Algorithm::RS256), rsa());
        let DecodingKeyKind::RsaModulusExponent { n, e } = known.kind() else { panic!("no RSA key") };
        let odd = DecodingKey::from_rsa_raw_components(
            &[&[0, 0], n.as_slice()].concat(),
            &[&[0], e.as_slice()].concat(),
        );
        let signature = signer(&Algorithm::RS256, &key).unwrap().try_sign(MESSAGE).unwrap();
        verifier(&Algorithm::RS256, &odd).unwrap().verify(MESSAGE, &signature).unwrap();
    }
}

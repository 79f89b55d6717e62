//! OpenSSL's verification errors: numbers (`X509_V_ERR_*`) and texts
//! (`X509_verify_cert_error_string`).

macro_rules! errors {
    ($($name:ident = $code:literal, $text:literal;)*) => {
        $(
            #[doc = $text]
            pub const $name: i32 = $code;
        )*

        /// The text of an error; OpenSSL 3's wording, which 1.1.1 shares but for small words.
        pub const fn text(code: i32) -> &'static str {
            match code {
                $($code => $text,)*
                _ => "unknown certificate verification error",
            }
        }
    };
}

errors! {
    UNSPECIFIED = 1, "unspecified certificate verification error";
    UNABLE_TO_GET_ISSUER_CERT = 2, "unable to get issuer certificate";
    UNABLE_TO_GET_CRL = 3, "unable to get certificate CRL";
    UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY = 6, "unable to decode issuer public key";
    CERT_SIGNATURE_FAILURE = 7, "certificate signature failure";
    CRL_SIGNATURE_FAILURE = 8, "CRL signature failure";
    CERT_NOT_YET_VALID = 9, "certificate is not yet valid";
    CERT_HAS_EXPIRED = 10, "certificate has expired";
    CRL_NOT_YET_VALID = 11, "CRL is not yet valid";
    CRL_HAS_EXPIRED = 12, "CRL has expired";
    ERROR_IN_CERT_NOT_BEFORE_FIELD = 13, "format error in certificate's notBefore field";
    ERROR_IN_CERT_NOT_AFTER_FIELD = 14, "format error in certificate's notAfter field";
    ERROR_IN_CRL_LAST_UPDATE_FIELD = 15, "format error in CRL's lastUpdate field";
    ERROR_IN_CRL_NEXT_UPDATE_FIELD = 16, "format error in CRL's nextUpdate field";
    DEPTH_ZERO_SELF_SIGNED_CERT = 18, "self-signed certificate";
    SELF_SIGNED_CERT_IN_CHAIN = 19, "self-signed certificate in certificate chain";
    UNABLE_TO_GET_ISSUER_CERT_LOCALLY = 20, "unable to get local issuer certificate";
    UNABLE_TO_VERIFY_LEAF_SIGNATURE = 21, "unable to verify the first certificate";
    CERT_CHAIN_TOO_LONG = 22, "certificate chain too long";
    CERT_REVOKED = 23, "certificate revoked";
    INVALID_CA_111 = 24, "invalid CA certificate";
    PATH_LENGTH_EXCEEDED = 25, "path length constraint exceeded";
    INVALID_PURPOSE = 26, "unsuitable certificate purpose";
    CERT_REJECTED = 28, "certificate rejected";
    KEYUSAGE_NO_CERTSIGN = 32, "key usage does not include certificate signing";
    UNABLE_TO_GET_CRL_ISSUER = 33, "unable to get CRL issuer certificate";
    UNHANDLED_CRITICAL_EXTENSION = 34, "unhandled critical extension";
    KEYUSAGE_NO_CRL_SIGN = 35, "key usage does not include CRL signing";
    UNHANDLED_CRITICAL_CRL_EXTENSION = 36, "unhandled critical CRL extension";
    PROXY_CERTIFICATES_NOT_ALLOWED = 40, "proxy certificates not allowed, please set the appropriate flag";
    DIFFERENT_CRL_SCOPE = 44, "different CRL scope";
    PERMITTED_VIOLATION = 47, "permitted subtree violation";
    EXCLUDED_VIOLATION = 48, "excluded subtree violation";
    SUBTREE_MINMAX = 49, "name constraints minimum and maximum not supported";
    UNSUPPORTED_CONSTRAINT_TYPE = 51, "unsupported name constraint type";
    UNSUPPORTED_CONSTRAINT_SYNTAX = 52, "unsupported or invalid name constraint syntax";
    UNSUPPORTED_NAME_SYNTAX = 53, "unsupported or invalid name syntax";
    CRL_PATH_VALIDATION_ERROR = 54, "CRL path validation error";
    EE_KEY_TOO_SMALL = 66, "EE certificate key too weak";
    CA_KEY_TOO_SMALL = 67, "CA certificate key too weak";
    CA_MD_TOO_WEAK = 68, "CA signature digest algorithm too weak";
    INVALID_CA = 79, "invalid CA certificate";
    EC_KEY_EXPLICIT_PARAMS = 94, "certificate public key has explicit ECC parameters";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_the_words_of_openssl() {
        assert_eq!(
            text(UNABLE_TO_GET_ISSUER_CERT_LOCALLY),
            "unable to get local issuer certificate"
        );
        assert_eq!(text(INVALID_CA), text(INVALID_CA_111));
        assert_eq!(text(4711), "unknown certificate verification error");
    }
}

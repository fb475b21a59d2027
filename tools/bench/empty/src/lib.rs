//! A component that does nothing but answer: it looks at no header, reads no body, calls nobody.
//!
//! What the host needs for one request through one component, and so the measure for all others.

mod component {
    use spin_sdk::wasip3::exports::http::handler::Guest;
    use spin_sdk::wasip3::http::types::{ErrorCode, Fields, Request, Response};
    use spin_sdk::wasip3::wit_future;

    struct Component;
    spin_sdk::wasip3::http::service::export!(Component);

    impl Guest for Component {
        async fn handle(_request: Request) -> Result<Response, ErrorCode> {
            // Without a length the answer would be chunked, in two writes.
            let length = [("content-length".to_owned(), b"0".to_vec())];
            let headers = Fields::from_list(&length).unwrap_or_else(|_| Fields::new());
            let (trailers_writer, trailers) = wit_future::new(|| Ok(None));
            drop(trailers_writer);
            let (response, _sent) = Response::new(headers, None, trailers);
            Ok(response)
        }
    }
}

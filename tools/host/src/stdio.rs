//! A component's stdout and stderr: whole lines, each prefixed with the component's id.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use tokio::io::AsyncWrite;
use wasmtime_wasi::async_trait;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};

use crate::guest::ComponentContext;

/// A line longer than this is printed in pieces, so that a component cannot fill the host's memory.
const LINE_LIMIT_BYTES: usize = 16 * 1024;

/// One of the two streams of one instance. Clones share the unfinished line.
#[derive(Clone)]
pub(crate) struct LogLines {
    component: Arc<ComponentContext>,
    unfinished: Arc<Mutex<Vec<u8>>>,
}

impl LogLines {
    pub(crate) fn new(component: &Arc<ComponentContext>) -> Self {
        Self { component: Arc::clone(component), unfinished: Arc::default() }
    }

    fn push(&self, mut text: &[u8]) {
        let mut line = self.unfinished.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(end) = text.iter().position(|byte| *byte == b'\n') {
            line.extend_from_slice(&text[..end]);
            self.print(&line);
            line.clear();
            text = &text[end + 1..];
        }
        line.extend_from_slice(text);
        if line.len() > LINE_LIMIT_BYTES {
            self.print(&line);
            line.clear();
        }
    }

    fn print(&self, line: &[u8]) {
        // One call a line: lines of concurrent instances must not mix.
        eprintln!("[{}] {}", self.component.id, String::from_utf8_lossy(line));
    }
}

impl IsTerminal for LogLines {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for LogLines {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

impl AsyncWrite for LogLines {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, text: &[u8]) -> Poll<std::io::Result<usize>> {
        self.push(text);
        Poll::Ready(Ok(text.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[async_trait]
impl Pollable for LogLines {
    async fn ready(&mut self) {}
}

impl OutputStream for LogLines {
    fn write(&mut self, text: Bytes) -> StreamResult<()> {
        self.push(&text);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(LINE_LIMIT_BYTES)
    }
}

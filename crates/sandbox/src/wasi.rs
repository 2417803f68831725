//! The little of WASI that the runtimes of languages expect: clocks, random bytes, and an output that goes to the log.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use switchboard_manifest::PluginId;
use tokio::io::AsyncWrite;
use wasmtime_wasi::{
    WasiCtx, WasiCtxBuilder,
    cli::{IsTerminal, StdoutStream},
};

/// A longer line is cut.
const LONGEST: usize = 4 << 10;

/// No files, no environment, no arguments, no input, no network: clocks, random bytes, and output to the log.
pub(crate) fn nothing_but_output(plugin: &PluginId) -> WasiCtx {
    WasiCtxBuilder::new()
        .stdout(Output { plugin: plugin.clone(), is_error: false })
        .stderr(Output { plugin: plugin.clone(), is_error: true })
        .allow_tcp(false)
        .allow_udp(false)
        .allow_ip_name_lookup(false)
        .build()
}

/// Where a plugin's output goes.
#[derive(Clone)]
struct Output {
    plugin: PluginId,
    is_error: bool,
}

impl IsTerminal for Output {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Output {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(Lines { output: self.clone(), line: Vec::new() })
    }
}

/// Output, cut into lines.
struct Lines {
    output: Output,
    line: Vec<u8>,
}

impl Lines {
    fn write_line(&mut self) {
        let line = std::mem::take(&mut self.line);
        let text = String::from_utf8_lossy(&line);
        let (plugin, text) = (&self.output.plugin, text.trim_end_matches('\r').escape_debug());
        if self.output.is_error {
            tracing::warn!(%plugin, "{text}");
        } else {
            tracing::info!(%plugin, "{text}");
        }
    }
}

impl AsyncWrite for Lines {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        for byte in bytes {
            match byte {
                b'\n' => self.write_line(),
                _ if self.line.len() >= LONGEST => {}
                byte => self.line.push(*byte),
            }
        }
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        if !self.line.is_empty() {
            self.write_line();
        }
        Poll::Ready(Ok(()))
    }
}

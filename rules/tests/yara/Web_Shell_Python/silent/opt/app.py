@app.route("/")
def x():
    return db.find(request.args.get("c"))

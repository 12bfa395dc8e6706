nc -z db 5432 && echo up
nc -l 8080 < page.html

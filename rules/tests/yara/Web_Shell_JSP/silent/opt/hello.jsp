<%@ page %><%= request.getParameter("name") %>

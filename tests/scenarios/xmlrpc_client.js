// One XML-RPC call with the npm package xmlrpc: node xmlrpc_client.js URL METHOD FIELDS-AS-JSON
const xmlrpc = require("xmlrpc");
const [url, method, fields] = process.argv.slice(2);

xmlrpc.createClient(url).methodCall(method, [JSON.parse(fields)], (error, value) => {
  if (error) {
    console.error(`fault ${error.faultCode}: ${error.faultString || error}`);
    process.exit(1);
  }
  console.log(JSON.stringify(value));
});

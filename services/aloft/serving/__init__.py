"""What turns a published version into answers: the archive, the handler, the serving port and the agent.

The trainer writes an archive for each version and says which is desired. The agent, beside each server, makes
what is served what is desired, and reports. One handler answers, under TorchServe and in this process alike.
Importing the archive or the golden inputs imports no torch.
"""

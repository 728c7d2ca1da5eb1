namespace Lorq.Diagnostics;

public static partial class Catalogue
{
    /// <summary>The output folder refuses.</summary>
    public static readonly Diagnostic OutputFolderNotWritable = new(
        "LORQ0950",
        "The output folder cannot be written",
        "Cannot write to the output folder '{0}': {1}",
        "The folder cannot be created, is a file, is read-only, or its disk is full.",
        "Choose another folder with -o, or make room or change the permissions."
    );
}

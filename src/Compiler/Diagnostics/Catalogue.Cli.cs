namespace Lorq.Diagnostics;

public static partial class Catalogue
{
    /// <summary>An unknown option or command.</summary>
    public static readonly Diagnostic UnknownOption = new(
        "LORQ0901",
        "An unknown option",
        "There is no '{0}'; {1}",
        "An option or command was misspelt, or belongs to another command.",
        "'lorq --help' lists the commands, 'lorq COMMAND --help' their options."
    );

    /// <summary>A command line that cannot be understood.</summary>
    public static readonly Diagnostic WrongUsage = new(
        "LORQ0902",
        "A command line cannot be understood",
        "{0}; see '{1} --help'.",
        "An argument is missing, an option has no value or has several, or two options contradict each other.",
        "Write the command line anew; the help ends with examples."
    );

    /// <summary>A file would be overwritten.</summary>
    public static readonly Diagnostic FileExists = new(
        "LORQ0903",
        "A file exists already",
        "'{0}' exists already.",
        "The command would overwrite a file that it did not write.",
        "Choose another name with -o, or add --force."
    );

    /// <summary>An unknown error code.</summary>
    public static readonly Diagnostic NoSuchCode = new(
        "LORQ0904",
        "An unknown error code",
        "There is no error '{0}'; {1}",
        "Codes are LORQ and four digits; numbers are not consecutive.",
        "All codes are listed in docs/errors."
    );
}

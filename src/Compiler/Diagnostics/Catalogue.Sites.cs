namespace Lorq.Diagnostics;

public static partial class Catalogue
{
    /// <summary>A pattern names no site.</summary>
    public static readonly Diagnostic PatternMatchesNothing = new(
        "LORQ0301",
        "A pattern names no weight",
        "The pattern '{0}' fits no weight and no node of this model.",
        "A name was misspelt, or the model was exported with other names.",
        "Run 'lorq inspect' for the names; * stands for any characters, ? for one."
    );
}

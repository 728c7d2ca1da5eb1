namespace Lorq.Cli;

/// <summary>The <c>lorq</c> command.</summary>
public static class Program
{
    /// <summary>Runs a command line.</summary>
    public static int Main(string[] args) => args.Length;
}

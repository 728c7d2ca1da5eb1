namespace Lorq.Tests.Rewriting;

/// <summary>A temporary folder for one test class.</summary>
public class WorkFolder : IDisposable
{
    protected string Folder { get; } = Directory.CreateTempSubdirectory("lorq-rewriting-").FullName;

    public void Dispose()
    {
        Directory.Delete(Folder, true);
        GC.SuppressFinalize(this);
    }
}
